package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	pb "sigs.k8s.io/gateway-api/conformance/echo-basic/grpcechoserver"
)

// One request may take this long; the suite asks again.
const patience = 10 * time.Second

// fields is a flag `-H name:value` that may be given many times.
type fields [][2]string

func (f *fields) String() string { return fmt.Sprint(*f) }

func (f *fields) Set(text string) error {
	name, value, found := strings.Cut(text, ":")
	if !found {
		return fmt.Errorf("%q has no colon", text)
	}
	*f = append(*f, [2]string{name, value})
	return nil
}

// ask sends --count requests to the URL that comes first, one after the other, and prints each answer as lines of
// `name=value`, with an empty line after it. Redirects are answers like others.
func ask(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("usage: client <URL> [--method=M] [--count=N] [-H name:value]")
	}
	var headers fields
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.Var(&headers, "H", "name:value")
	method := flags.String("method", http.MethodGet, "of HTTP requests")
	count := flags.Int("count", 1, "how many requests")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	where, err := url.Parse(arguments[0])
	if err != nil {
		return err
	}
	once := func(out io.Writer) error {
		return askHTTP(out, where, *method, headers)
	}
	if where.Scheme == "grpc" {
		// Resolved by the system, as by an application that knows nothing of a mesh.
		target := "passthrough:///" + where.Host
		link, err := grpc.NewClient(target,
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer link.Close()
		once = func(out io.Writer) error { return askGRPC(out, link, headers) }
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for range *count {
		if err := once(out); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return nil
}

var client = http.Client{
	Timeout: patience,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

func askHTTP(out io.Writer, where *url.URL, method string, headers fields) error {
	request, err := http.NewRequest(method, where.String(), nil)
	if err != nil {
		return err
	}
	for _, field := range headers {
		if strings.EqualFold(field[0], "host") {
			request.Host = field[1]
		} else {
			request.Header.Add(field[0], field[1])
		}
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Url=%s\nStatusCode=%d\n", where, answer.StatusCode)
	for name, values := range answer.Header {
		for _, value := range values {
			fmt.Fprintf(out, "ResponseHeader=%s:%s\n", name, value)
		}
	}
	_, err = out.Write(body)
	return err
}

// askGRPC calls the echo; an answer that is no error is printed as status 200, which the suite expects of it.
func askGRPC(out io.Writer, link *grpc.ClientConn, headers fields) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, field := range headers {
		ctx = metadata.AppendToOutgoingContext(ctx, field[0], field[1])
	}
	var answered metadata.MD
	answer, err := pb.NewGrpcEchoClient(link).Echo(ctx, &pb.EchoRequest{}, grpc.Header(&answered))
	if err != nil {
		return err
	}
	seen := answer.GetAssertions()
	fmt.Fprintf(out, "StatusCode=200\nHostname=%s\n", seen.GetContext().GetPod())
	for name, values := range answered {
		for _, value := range values {
			fmt.Fprintf(out, "ResponseHeader=%s:%s\n", name, value)
		}
	}
	for _, header := range seen.GetHeaders() {
		fmt.Fprintf(out, "RequestHeader=%s:%s\n", header.GetKey(), header.GetValue())
	}
	return nil
}
