package main

import (
	"fmt"
	"io/fs"
	"regexp"

	"sigs.k8s.io/gateway-api/conformance"
)

// withImage is the suite's manifests, with another image for all pods: nothing is pulled.
type withImage struct{ name string }

var imageLine = regexp.MustCompile(`(?m)^( *(?:- )?image:).*$`)

func (w withImage) Open(name string) (fs.File, error) {
	return conformance.Manifests.Open(name)
}

func (w withImage) ReadFile(name string) ([]byte, error) {
	text, err := conformance.Manifests.ReadFile(name)
	if err != nil {
		return nil, err
	}
	line := fmt.Sprintf("${1} %s", w.name)
	return imageLine.ReplaceAll(text, []byte(line)), nil
}
