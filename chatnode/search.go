package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/search"
)

// searchOptions say whether messages can be searched for.
type searchOptions struct {
	engine string
	bytes  bytesFlag
}

func (o *searchOptions) declare(d *declaration) {
	d.begin("Searching")
	d.str(&o.engine, "search", "embedded", "`embedded` keeps an index of the messages of this node's share of rooms in the data folder, or if that can't be written a small one in memory; off: nothing can be searched for")
	d.size(&o.bytes, "search-bytes", search.DefaultBytes, "how much the index may take on disk, about; beyond it the oldest messages are not found")
}

func (o *searchOptions) check() error {
	switch {
	case o.engine != "embedded" && o.engine != "off":
		return fmt.Errorf("--search is embedded or off, not %q", o.engine)
	case o.bytes < 16<<20:
		return fmt.Errorf("--search-bytes is at least 16MiB")
	}
	return nil
}

// openSearch begins to index, if that is wanted.
func (n *node) openSearch(ctx context.Context) (err error) {
	if n.o.search.engine == "off" {
		return search.Off(n.messages)
	}
	n.search, err = search.New(ctx, n.messages, search.Options{
		Dir: filepath.Join(n.o.dataDir, "search"), Bytes: int64(n.o.search.bytes), Logger: n.log, Registerer: n.registry,
	})
	return err
}

// searcher is what chat searches with; nil if it can't.
func (n *node) searcher() chat.Searcher {
	if n.search == nil {
		return nil
	}
	return n.search
}

func (n *node) closeSearch() error {
	if n.search == nil {
		return nil
	}
	return n.search.Close()
}
