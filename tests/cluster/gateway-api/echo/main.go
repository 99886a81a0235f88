// The workload of the suite's mesh manifests: a server that answers with what it was asked, and, called as `client`, the
// program that the suite runs in a pod to ask from there. It takes the arguments and prints the lines that the suite
// expects of both (conformance/mesh/manifests.yaml, conformance/utils/echo).
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	work := serve
	if filepath.Base(os.Args[0]) == "client" {
		work = ask
	}
	if err := work(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
