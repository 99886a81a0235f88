package main

import (
	"embed"
	"io/fs"
	"testing"

	"sigs.k8s.io/gateway-api/conformance/utils/echo"
	"sigs.k8s.io/gateway-api/conformance/utils/http"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

//go:embed ours.yaml
var manifests embed.FS

// grpcHeaders is a core test of later versions of the suite, by its name there but made here. It is not in the report.
var grpcHeaders = suite.ConformanceTest{
	ShortName:   "MeshGRPCRouteRequestHeaderModifier",
	Description: "A GRPCRoute sets, adds and removes headers of calls",
	Features:    []features.FeatureName{features.SupportMesh, features.SupportGRPCRoute},
	Manifests:   []string{"ours.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		client := echo.ConnectToApp(t, s, echo.MeshAppEchoV1)
		for name, sent := range map[string]map[string]string{
			"of calls that have none": {},
			"of calls that have them": {
				"x-set": "by-client", "x-add": "by-client", "x-remove": "by-client",
			},
		} {
			added := "by-route"
			if before, found := sent["x-add"]; found {
				added = before + "," + added
			}
			t.Run(name, func(t *testing.T) {
				client.MakeRequestAndExpectEventuallyConsistentResponse(t, http.ExpectedResponse{
					Request: http.Request{Protocol: "grpc", Host: "echo:7070", Headers: sent},
					ExpectedRequest: &http.ExpectedRequest{
						Request: http.Request{Headers: map[string]string{
							"x-set": "by-route", "x-add": added,
						}},
						AbsentHeaders: []string{"x-remove"},
					},
					Response: http.Response{StatusCodes: []int{200}},
					Backend:  "echo-v1",
				}, s.TimeoutConfig)
			})
		}
	},
}

// runOurs runs tests of our own on what the suite has set up.
func runOurs(t *testing.T, options suite.ConformanceOptions) {
	ours, err := suite.NewConformanceTestSuite(options)
	if err != nil {
		t.Fatal(err)
	}
	ours.Applier.ManifestFS = []fs.FS{manifests}
	t.Run(grpcHeaders.ShortName, func(t *testing.T) { grpcHeaders.Run(t, ours) })
}
