// The Gateway API's own conformance suite for meshes, as a program: it runs on the cluster of KUBECONFIG, prints what
// `go test -v` would, and writes the report of the suite to --report-output. All other settings are ours, see claims.go.
package main

import (
	"flag"
	"io/fs"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
)

func main() {
	version := flag.String("of", "", "our version, for the report")
	image := flag.String("echo-image", "", "image of the suite's workload")
	testing.Init()
	flag.Parse()
	if err := flag.Set("test.v", "true"); err != nil {
		os.Exit(2)
	}
	run := func(t *testing.T) {
		options := conformance.DefaultOptions(t)
		options.ConformanceProfiles = sets.New(
			suite.MeshHTTPConformanceProfileName,
			suite.MeshGRPCConformanceProfileName,
		)
		options.SupportedFeatures = sets.New(claims...)
		options.NamespaceAnnotations = map[string]string{
			"linkerd.io/inject": "enabled",
		}
		options.ManifestFS = []fs.FS{withImage{*image}}
		options.Implementation = confv1.Implementation{
			Organization: "linkerd-ts",
			Project:      "linkerd-ts",
			URL:          "https://github.com/linkerd-ts/linkerd-ts",
			Version:      *version,
			Contact:      []string{"https://github.com/linkerd-ts/linkerd-ts/issues"},
		}
		mend(tests.ConformanceTests)
		conformance.RunConformanceWithOptions(t, options)
		runOurs(t, options)
	}
	all := []testing.InternalTest{{Name: "Mesh", F: run}}
	matchAll := func(string, string) (bool, error) { return true, nil }
	testing.Main(matchAll, all, nil, nil)
}

// mend gives a test its own manifest: in v1.5.1 it names that of another, with which it cannot pass.
func mend(all []suite.ConformanceTest) {
	for i := range all {
		if all[i].ShortName == "MeshHTTPRoute307Redirect" {
			all[i].Manifests = []string{"tests/mesh/httproute-307-redirect.yaml"}
		}
	}
}
