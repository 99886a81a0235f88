// otlp-reader json|protobuf: reads an ExportTraceServiceRequest from standard input as OpenTelemetry's collector does, and
// prints what it has understood as OTLP/JSON.
package main

import (
	"fmt"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(form string) error {
	bytes, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	request := ptraceotlp.NewExportRequest()
	if form == "json" {
		err = request.UnmarshalJSON(bytes)
	} else {
		err = request.UnmarshalProto(bytes)
	}
	if err != nil {
		return err
	}
	text, err := request.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
