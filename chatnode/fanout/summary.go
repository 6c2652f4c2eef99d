package fanout

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
)

// clientInfo is the part of a ClientInfo that presence needs.
type clientInfo struct {
	User   string `json:"user"`
	Client string `json:"client"`
}

func parseInfo(info []byte) (clientInfo, error) {
	var who clientInfo
	if err := json.Unmarshal(info, &who); err != nil {
		return clientInfo{}, fmt.Errorf("parse client info: %w", err)
	}
	if who.Client == "" {
		return clientInfo{}, errors.New("parse client info: it names no client")
	}
	return who, nil
}

func hashUser(user string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(user))
	return h.Sum64()
}

// summary is who is in a room on one node. The numbers count everybody; the list is bounded by maxListed and maxListedBytes.
type summary struct {
	NumClients int               `json:"num_clients"`
	NumUsers   int               `json:"num_users"`
	Clients    []json.RawMessage `json:"clients"`
}

// summary is who is in the room on this node.
func (r *room) summary() summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sum summary
	users := map[uint64]struct{}{}
	bytes := 0
	for _, s := range r.members {
		if s.info == nil {
			continue
		}
		sum.NumClients++
		users[s.user] = struct{}{}
		if bytes += len(s.info); bytes <= maxListedBytes && len(sum.Clients) < maxListed {
			sum.Clients = append(sum.Clients, s.info)
		}
	}
	sum.NumUsers = len(users)
	return sum
}

// Here is who is in a room.
type Here struct {
	// Clients are the infos (JSON ClientInfo) by client id: of each node at most 1,000 or 100 KB, so there may be fewer than NumClients.
	Clients map[string][]byte
	// NumClients counts everybody. NumUsers counts a user once; only users that are beyond a node's list are counted once per node.
	NumClients, NumUsers int
}

// merge adds one node's summary to here; users are those counted before.
func (here *Here) merge(sum summary, users map[string]struct{}) {
	listed := map[string]struct{}{}
	for _, info := range sum.Clients {
		who, err := parseInfo(info)
		if err != nil {
			continue // written by a node of another version: still counted by its numbers
		}
		here.Clients[who.Client] = info
		listed[who.User] = struct{}{}
		users[who.User] = struct{}{}
	}
	here.NumClients += max(sum.NumClients, len(sum.Clients))
	here.NumUsers += max(0, sum.NumUsers-len(listed)) // those listed are counted at the end
}
