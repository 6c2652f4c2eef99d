package operator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// request is what the audit log keeps of one request.
type request struct {
	Stage string `json:"stage"`
	Verb  string `json:"verb"`
	URI   string `json:"requestURI"`
	User  struct {
		Username string `json:"username"`
	} `json:"user"`
	Object struct {
		Resource string `json:"resource"`
	} `json:"objectRef"`
	Received time.Time `json:"requestReceivedTimestamp"`
}

// routine requests are those that an idle operator may send: watches that are opened anew, and its lease.
func (r request) routine() bool { return r.Verb == "watch" || r.Object.Resource == "leases" }

// sentBy reads from the API server's audit log what a user sent between two moments.
func sentBy(log, user string, from, to time.Time) ([]request, error) {
	file, err := os.Open(log)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	var sent []request
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue // the line that is being written
		}
		if r.Stage == "ResponseComplete" && r.User.Username == user && r.Received.After(from) && r.Received.Before(to) {
			sent = append(sent, r)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return sent, nil
}
