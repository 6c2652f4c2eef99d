package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// openQuotas reads the limits of applications, if there is a file with them.
func (n *node) openQuotas() (func() chat.Quotas, error) {
	if n.o.appLimits == "" {
		return nil, nil
	}
	quotas, err := follow("limits of applications", func() (chat.Quotas, error) {
		content, err := os.ReadFile(n.o.appLimits)
		if err != nil {
			return nil, err
		}
		return chat.ParseQuotas(content)
	}, n.log, n.o.appLimits)
	if err != nil {
		return nil, fmt.Errorf("--app-limits-file: %w", err)
	}
	return quotas.current, nil
}

// nodesAge is how old the number of nodes may be that share the limits of applications.
const nodesAge = time.Second

// nodes counts the nodes of the fleet, once in a while.
func (n *node) nodes() func() int {
	var mu sync.Mutex
	var count int
	var counted time.Time
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(counted) > nodesAge {
			count, counted = len(n.messages.Nodes()), now
		}
		return count
	}
}
