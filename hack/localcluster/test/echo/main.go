// Echo is the program of the cluster's own test: it says which pod it is, keeps a switched connection open and echoes it (as a WebSocket
// would), and counts its starts in a file on its volume.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 {
		if err := countStart(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	http.HandleFunc("/", identify)
	http.HandleFunc("/disk/starts", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, os.Args[1]) })
	http.HandleFunc("/resolve", resolve)
	http.HandleFunc("/switch", switchProtocol)
	go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", nil)) }()
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
}

func identify(w http.ResponseWriter, _ *http.Request) {
	name, _ := os.Hostname()
	fmt.Fprint(w, name)
}

// resolve tells the addresses of the name in the query.
func resolve(w http.ResponseWriter, r *http.Request) {
	found, err := net.DefaultResolver.LookupHost(r.Context(), r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, found)
}

// countStart appends a line to the file.
func countStart(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, "started")
	return err
}

func switchProtocol(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}
