import { expect, test } from "bun:test";
import type { Finding } from "../install/inject/object.ts";
import { injectReport, uninjectReport } from "./report.ts";

const PLAIN = { verbose: false, colour: false };
const quiet: Finding = {
  kind: "deployment",
  name: "web",
  done: "injected",
  hostNetwork: false,
  sidecar: false,
  disabled: false,
  udp: false,
  supported: true,
};

test("injectReport() of one injected object is its line between two empty ones", () => {
  expect(injectReport([quiet], PLAIN)).toBe('\ndeployment "web" injected\n\n');
});

test("injectReport() puts warnings first, each for all objects it concerns", () => {
  const udp = { ...quiet, udp: true };
  expect(injectReport([udp], PLAIN)).toBe(
    '\n‼ deployment/web uses "protocol: UDP"\n\ndeployment "web" injected\n\n',
  );
  expect(injectReport([udp, { ...udp, kind: "pod", name: "dns" }], PLAIN)).toBe(
    '\n‼ deployment/web, pod/dns use "protocol: UDP"\n\ndeployment "web" injected\npod "dns" injected\n\n',
  );
  const skipped: Finding = {
    ...quiet,
    done: "skipped",
    hostNetwork: true,
    sidecar: true,
    disabled: true,
  };
  expect(injectReport([skipped], PLAIN)).toBe(
    `
‼ "hostNetwork: true" detected in deployment/web
‼ known 3rd party sidecar detected in deployment/web
‼ "linkerd.io/inject: disabled" annotation set on deployment/web

deployment "web" skipped

`,
  );
});

test("injectReport() says when there was nothing to inject, and which documents had no kind", () => {
  const config: Finding = {
    ...quiet,
    kind: "configmap",
    done: "skipped",
    supported: false,
  };
  expect(injectReport([null, config], PLAIN)).toBe(
    '\n‼ no supported objects found\n\ndocument missing "kind" field, skipped\nconfigmap "web" skipped\n\n',
  );
});

test("injectReport() comforts at length when asked to", () => {
  expect(injectReport([{ ...quiet, udp: true }], { ...PLAIN, verbose: true }))
    .toBe(
      `
√ pods do not use host networking
√ pods do not have a 3rd party proxy or initContainer already injected
√ pods are not annotated to disable injection
√ at least one resource can be injected or annotated
‼ deployment/web uses "protocol: UDP"
√ pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled

deployment "web" injected

`,
    );
});

test("injectReport() colours its marks where colour is wanted", () => {
  const report = injectReport([{ ...quiet, udp: true }], {
    verbose: true,
    colour: true,
  });
  expect(report).toContain(
    "\u001b[32m\u001b[1m√\u001b[39m\u001b[22m pods do not use",
  );
  expect(report).toContain(
    "\u001b[33m\u001b[1m‼\u001b[39m\u001b[22m deployment/web",
  );
});

test("uninjectReport() has a line per object", () => {
  expect(
    uninjectReport([{ kind: "pod", name: "web", done: "uninjected" }, null]),
  )
    .toBe('\npod "web" uninjected\ndocument missing "kind" field, skipped\n\n');
});
