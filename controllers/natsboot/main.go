// Command natsboot is the first process of a NATS pod: it starts nats-server, and does for it what a shell script would do elsewhere, since
// the image has no shell.
//
// It keeps a second server off the volume; gives the server a name that belongs to its volume; has it read its configuration again when
// mounted files change; asks it to hand its leaderships over before it ends; and answers the kubelet's probes out of the server's own
// health report, which listens on the loopback address only. It ends a server with replicas that only a restart heals. In go command line,
// mounted files and signals; out come signals to nats-server and, in the end, its exit code.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

const usage = `usage: natsboot run [flags] -- nats-server [arguments]
       natsboot version

Starts nats-server with --config after its arguments, and with the environment variables NATS_SERVER_NAME and POD_NAME.

`

// version is set by the linker.
var version = "development"

// settings are what the command line says.
type settings struct {
	config, data, probeListen, monitor, monitorCA string
	watched                                       paths
	watchEvery, healAfter                         time.Duration
	command                                       []string
}

// paths is a flag that may be repeated.
type paths []string

func (p *paths) String() string { return strings.Join(*p, ",") }

// Set adds one.
func (p *paths) Set(path string) error {
	*p = append(*p, path)
	return nil
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println("natsboot", version)
		return
	}
	s, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsboot:", err)
		os.Exit(2)
	}
	code, err := run(context.Background(), s, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, "natsboot:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("natsboot run", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.config, "config", "/etc/nats/nats.conf", "configuration `file` of nats-server")
	flags.StringVar(&s.data, "data", "/data", "`directory` that outlives the pod; the server's name is kept there")
	flags.Var(&s.watched, "watch", "`path` of a file, or of a directory with files, on whose change the server reads its configuration again; may be repeated")
	flags.DurationVar(&s.watchEvery, "watch-every", 2*time.Second, "how often to look at the watched files")
	flags.StringVar(&s.probeListen, "probe-listen", ":8080", "`address` for probes: /startz, /readyz and /livez")
	flags.StringVar(&s.monitor, "monitor", "https://localhost:8222", "`URL` of the server's monitor port")
	flags.StringVar(&s.monitorCA, "monitor-ca", "", "`file` with the authorities of the monitor port's certificate")
	flags.DurationVar(&s.healAfter, "heal-after", time.Minute, "how long a replica may wait for a restart of the server, up to twice that; 0 is for ever")
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		flags.Usage()
		return s, flag.ErrHelp
	}
	if len(args) == 0 || args[0] != "run" {
		return s, errors.New("the command is run or version; natsboot --help says more")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return s, err
	}
	if s.command = flags.Args(); len(s.command) == 0 {
		return s, errors.New("the program to start is missing; natsboot --help says more")
	}
	if s.watchEvery <= 0 {
		return s, fmt.Errorf("--watch-every is %v, and must be more than nothing", s.watchEvery)
	}
	if s.healAfter < 0 {
		return s, fmt.Errorf("--heal-after is %v, and must not be less than nothing", s.healAfter)
	}
	s.watched = append(s.watched, s.config)
	return s, nil
}
