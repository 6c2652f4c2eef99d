package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// roomsInQuery is up to how many rooms the full-text table selects. Of more, every message that has the words is looked at.
const roomsInQuery = 32

var errUnknownShard = errors.New("this node has no index of that shard")

// finding is one search in one shard.
type finding struct {
	wanted
	after  map[uint64]uint64
	match  string
	oldest uint64
	found
}

// find looks in the newest part first. If ctx ends meanwhile, it gives what it has.
func (e *sqlite) find(ctx context.Context, w wanted) (found, error) {
	e.mu.Lock()
	s := e.all[w.Shard]
	e.mu.Unlock()
	if s == nil { // what is in the map is never changed
		return found{}, errUnknownShard
	}
	f := &finding{wanted: w, after: map[uint64]uint64{}, match: matching(w), oldest: s.oldest}
	f.Before, f.Reached = min(w.Before, math.MaxInt64), min(w.Before, math.MaxInt64)
	for i, room := range w.Rooms {
		f.after[room] = 0
		if i < len(w.After) {
			f.after[room] = w.After[i]
		}
	}
	for _, p := range slices.Backward(s.parts) {
		if f.More || p.first >= f.Before || p.last < f.oldest {
			continue
		}
		switch err := e.findIn(ctx, p, f); {
		case err != nil && ctx.Err() != nil && f.Reached < f.Before:
			f.More = true
			return f.found, nil
		case err != nil && strings.Contains(err.Error(), "no such table"):
			// the part was given up just now
		case err != nil:
			return found{}, fmt.Errorf("look into the index: %w", err)
		}
	}
	if !f.More {
		f.Reached = 0
	}
	return f.found, nil
}

func (e *sqlite) findIn(ctx context.Context, p part, f *finding) error {
	rows, err := e.read.QueryContext(ctx, "SELECT rowid, room, time FROM "+p.table()+" WHERE "+p.table()+" MATCH ? AND rowid < ? AND rowid >= ? ORDER BY rowid DESC",
		f.match, f.Before, f.oldest)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h hit
		var word string
		if err := rows.Scan(&h.Offset, &word, &h.Time); err != nil {
			return err
		}
		if h.Room, err = parseRoomWord(word); err != nil {
			return err
		}
		if after, wanted := f.after[h.Room]; wanted && h.Offset > after {
			if len(f.Hits) == f.Limit {
				f.More = true
				return nil
			}
			f.Hits = append(f.Hits, h)
		}
		f.Reached = h.Offset
	}
	return rows.Err()
}

// matching is the query as full-text tables read it.
func matching(w wanted) string {
	var all []string
	for _, phrase := range w.Query {
		all = append(all, `"`+strings.ReplaceAll(strings.Join(phrase, " "), `"`, `""`)+`"`)
	}
	match := "{words} : (" + strings.Join(all, " AND ") + ")"
	if len(w.Rooms) > roomsInQuery {
		return match
	}
	var rooms []string
	for _, room := range w.Rooms {
		rooms = append(rooms, roomWord(room))
	}
	return "{room} : (" + strings.Join(rooms, " OR ") + ") AND " + match
}
