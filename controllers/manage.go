package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/backbone"
	"github.com/chatfleet/chatfleet/controllers/chatcluster"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

const (
	// lease is the name of the lease that the working replica holds.
	lease = "chatfleet-operator"
	// shutdown bounds how long what is going on may take to end.
	shutdown = 10 * time.Second
	// gcPercent has garbage collected sooner than Go does by itself: the operator keeps what it knows of every fleet and is idle nearly
	// always, so memory is worth more than CPU.
	gcPercent = 40
	// requestsPerSecond and burst bound what a start with many ChatClusters asks of the API server, which protects itself besides.
	requestsPerSecond, burst = 300, 600
)

// manage runs the manager until the context ends.
func manage(ctx context.Context, o options) error {
	logger, err := newLogger(o)
	if err != nil {
		return err
	}
	if _, chosen := os.LookupEnv("GOGC"); !chosen {
		debug.SetGCPercent(gcPercent)
	}
	log.SetLogger(logger)
	klog.SetLogger(logger)

	api, err := connect(o)
	if err != nil {
		return err
	}
	mgr, err := newManager(api, o, logger)
	if err != nil {
		return err
	}
	pool := backbone.NewPool(backbone.Options{Name: "chatfleet operator " + version})
	defer pool.Close()
	reconciling := chatcluster.Options{
		Defaults:          plan.Defaults{NodeImage: o.nodeImage, BackboneImage: o.backboneImage},
		OperatorNamespace: o.operatorNamespace,
		Pool:              pool,
		Registerer:        metrics.Registry,
	}
	if o.serviceAccount != "" && o.namespaces == "" {
		reconciling.ServiceAccount = types.NamespacedName{Namespace: o.operatorNamespace, Name: o.serviceAccount}
	}
	if err := chatcluster.Setup(mgr, reconciling); err != nil {
		return fmt.Errorf("setting the controller up: %w", err)
	}
	if err := addProbes(mgr); err != nil {
		return err
	}
	logger.Info("starting", "version", version, "server", api.Host, "namespaces", o.namespaces)
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

func newLogger(o options) (logr.Logger, error) {
	level, err := o.level()
	if err != nil {
		return logr.Logger{}, err
	}
	options := &slog.HandlerOptions{Level: level}
	if o.logFormat == "json" {
		return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, options)), nil
}

// connect finds the way to the API server.
func connect(o options) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	api, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("no API server: this is no pod, and neither --kubeconfig nor $KUBECONFIG names one")
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	api.QPS, api.Burst = requestsPerSecond, burst
	api.UserAgent = "chatfleet-operator/" + version
	return api, nil
}

func newManager(api *rest.Config, o options, logger logr.Logger) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgo.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering types: %w", err)
	}
	grace, priority := shutdown, true
	mgr, err := manager.New(api, manager.Options{
		Scheme:                        scheme,
		Cache:                         chatcluster.CacheOptions(o.watched()),
		Logger:                        logger,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              lease,
		LeaderElectionNamespace:       o.leaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		Metrics:                       metricsserver.Options{BindAddress: o.metricsListen},
		HealthProbeBindAddress:        o.healthListen,
		GracefulShutdownTimeout:       &grace,
		Controller:                    config.Controller{UsePriorityQueue: &priority},
	})
	if meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("the API server at %s doesn't know ChatClusters: apply config/crd first", api.Host)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the API server at %s: %w", api.Host, err)
	}
	return mgr, nil
}

// addProbes has /healthz tell that the process runs, and /readyz that the ChatClusters are known.
func addProbes(mgr manager.Manager) error {
	var synced atomic.Bool
	err := mgr.Add(everywhere(func(ctx context.Context) error {
		synced.Store(mgr.GetCache().WaitForCacheSync(ctx))
		return nil
	}))
	ready := func(*http.Request) error {
		if synced.Load() {
			return nil
		}
		return errors.New("the ChatClusters have not been read yet")
	}
	if err := errors.Join(err, mgr.AddHealthzCheck("process", healthz.Ping), mgr.AddReadyzCheck("chatclusters", ready)); err != nil {
		return fmt.Errorf("adding probes: %w", err)
	}
	return nil
}

// everywhere runs also on replicas that don't lead.
type everywhere func(context.Context) error

func (f everywhere) Start(ctx context.Context) error { return f(ctx) }

// NeedLeaderElection is part of controller-runtime's interface.
func (f everywhere) NeedLeaderElection() bool { return false }
