// CoreDNS with what a cluster's own names need, and none of the clouds that its own main package knows.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

// In this order a question passes them, which is CoreDNS' own.
func init() {
	dnsserver.Directives = []string{"health", "ready", "errors", "loadbalance", "template", "kubernetes"}
}

func main() { coremain.Run() }
