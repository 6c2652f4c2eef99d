package kube

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// announced is set by Main: without it nobody would stop the server.
var announced bool

// Main runs the tests of a package and stops the API server if one of them started it. It belongs into TestMain, before anything else: the
// test binary also stands in for the two programs it starts, for the moment until they die with it.
//
// It returns so that TestMain can check for more; the exit status of the tests is kept by the testing package.
func Main(m *testing.M) {
	becomeProgram()
	flag.Parse()
	announced = true
	m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
