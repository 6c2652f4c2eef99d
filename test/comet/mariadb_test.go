package comet

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// mariadb runs statements with the command of that name.
func mariadb(t *testing.T, port, statements string) (string, error) {
	t.Helper()
	defaults := filepath.Join(t.TempDir(), "my.cnf")
	if err := os.WriteFile(defaults, []byte("[client]\npassword=\""+password+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return try(t, "mariadb", "--defaults-file="+defaults, "--skip-ssl", "--default-character-set=utf8mb4", "--host=127.0.0.1", "--port="+port,
		"--user=root", "--batch", "--execute="+statements, "CometQL_v1")
}

func TestTheMariaDBCommand(t *testing.T) {
	need(t, "mariadb")
	f := startFleet(t)
	out, err := mariadb(t, f.ports[0], "show tables; insert into users_auth (id, hash) values (1, 'hash1'); select * from users_auth where id in (1, 2);"+
		"insert into users_messages (id, event, message) values (7, 'ev1', 'grüße')")
	if err != nil || !strings.Contains(out, "users_in_pipes\n") || !strings.HasSuffix(out, "id\thash\n1\thash1\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := mariadb(t, f.ports[1], "select message from users_messages where id = 7"); err != nil || out != "message\ngrüße\n" {
		t.Errorf("the other node says %q, %v", out, err)
	}
	if out, err := mariadb(t, f.ports[0], "select * from users_auth"); err == nil || !strings.Contains(out, "ERROR 13 (HY000)") {
		t.Errorf("a statement without a key is answered with %q, %v", out, err)
	}
	if out, err := mariadb(t, f.ports[0], "use db_7; select * from users_auth where id = 1; use nothing"); err == nil ||
		!strings.Contains(out, "ERROR 15 (HY000)") || strings.Contains(out, "hash1") {
		t.Errorf("another tenant sees %q, %v", out, err)
	}
}

// HAProxy looks at the nodes as it looks at MySQL servers, and leads backends to those that live.
func TestHAProxyLeadsAroundADeadNode(t *testing.T) {
	need(t, "mariadb", "haproxy")
	f := startFleet(t)
	front := strconv.Itoa(process.ReservePort(t))
	var b strings.Builder
	fmt.Fprintf(&b, "defaults\n mode tcp\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n timeout check 5s\n")
	fmt.Fprintf(&b, "frontend sql\n bind 127.0.0.1:%s\n default_backend nodes\n", front)
	fmt.Fprintf(&b, "backend nodes\n balance roundrobin\n option redispatch\n option mysql-check user haproxy_check\n")
	for i, port := range f.ports {
		fmt.Fprintf(&b, " server node-%d 127.0.0.1:%s check inter 100ms fall 1 rise 1\n", i, port)
	}
	config := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("haproxy")
	if err != nil {
		t.Fatal(err)
	}
	process.StartCommand(t, process.CommandOptions{Name: "haproxy", Path: path, Args: []string{"-db", "-f", config}})
	eventually(t, "HAProxy to listen", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+front)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	eventually(t, "a statement", func() bool {
		_, err := mariadb(t, front, "insert into users_data (id, data) values (1, 'kept')")
		return err == nil
	})
	f.nodes[0].Kill()
	eventually(t, "a row that is read four times on end", func() bool {
		for range 4 {
			if out, err := mariadb(t, front, "select data from users_data where id = 1"); err != nil || out != "data\nkept\n" {
				return false
			}
		}
		return true
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(deadline)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-timeout:
			t.Fatalf("waited for %s", what)
		case <-tick.C:
		}
	}
}
