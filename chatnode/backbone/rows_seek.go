package backbone

import (
	"context"
	"fmt"
)

// seek gives the bounds of what is asked for: everything after an offset, or everything before one (0: all); ok is false if nothing is.
func (l *ledger) seek(ctx context.Context, key string, s *Seek) (after, before uint64, ok bool, err error) {
	var seq uint64
	switch {
	case s.By == SeekTime && s.Back: // everything before the first one that is later
		before, _, _, err = l.index.SeekTime(ctx, key, s.To+1)
		return 0, before, true, err
	case s.By == SeekTime:
		seq, _, ok, err = l.index.SeekTime(ctx, key, s.To)
		return max(seq, 1) - 1, 0, ok, err
	case s.By == SeekRank && s.Back:
		size, _, e := l.index.Size(ctx, key)
		if e != nil || s.To >= int64(size) {
			return 0, 0, false, e
		}
		if s.To <= 0 {
			return 0, 0, true, nil
		}
		before, ok, err = l.index.SeekRank(ctx, key, uint64(int64(size)-s.To))
		return 0, before, ok, err
	case s.By == SeekRank:
		seq, ok, err = l.index.SeekRank(ctx, key, uint64(max(s.To, 0)))
		return max(seq, 1) - 1, 0, ok, err
	}
	return 0, 0, false, fmt.Errorf("nothing is found by %q", s.By)
}

// rank fills in where messages stand that follow each other.
func (l *ledger) rank(ctx context.Context, key string, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	rank, tie, ok, err := l.index.RankOf(ctx, key, rows[0].Offset)
	if err != nil || !ok {
		return err
	}
	for i := range rows {
		if i > 0 {
			rank++
			if tie++; rows[i].Time != rows[i-1].Time {
				tie = 0
			}
		}
		rows[i].Rank, rows[i].Tie = rank, tie
	}
	return nil
}
