// Metricsserver gives the cluster the CPU and memory of its pods, which autoscaling reads.
package main

import (
	"os"

	"k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	"sigs.k8s.io/metrics-server/cmd/metrics-server/app"
)

func main() { os.Exit(cli.Run(app.NewMetricsServerCommand(server.SetupSignalHandler()))) }
