import { expect, test } from "bun:test";
import { frontProxy } from "../../testing/front-proxy.ts";
import { readUser } from "./user.ts";

const PROXY = frontProxy("");

function read(...fields: string[]) {
  return readUser(fields, PROXY);
}

test("nobody is made of fields that are like those of the front proxy", () => {
  for (const name of ["x-remote-users", "x_remote_user", "remote-user", ""]) {
    expect(read(name, "jane")).toBeNull();
  }
  expect(read("x-remote-group", "system:masters")).toBeNull();
});

test("the first field says who it is, in whatever case, and each one a group as it stands", () => {
  expect(read(
    ...["X-Remote-User", "jane", "x-remote-user", "root"],
    ...["X-Remote-Group", "dev,system:masters", "X-REMOTE-GROUP", "ops"],
    ...["x-remote-groups", "system:masters"],
  )).toMatchObject({ name: "jane", groups: ["dev,system:masters", "ops"] });
});

test("keys of the rest are only data", () => {
  expect(
    JSON.stringify(
      read(
        ...["x-remote-user", "jane", "x-remote-extra-__proto__", "a"],
        ...[
          "X-Remote-Extra-50%",
          "b",
          "x-remote-extra-Example.com%2Fscopes",
          "c",
        ],
      )?.extra,
    ),
  ).toBe('{"__proto__":["a"],"50%":["b"],"example.com/scopes":["c"]}');
});
