package chat

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// forgetAccounts takes away what gateways keep of the user, below the user's own row.
func (s *Service) forgetAccounts(ctx context.Context, app, user string) error {
	for {
		rows, more, err := s.tables.List(ctx, layout.People, personKey(app, user), 0, rowsAtOnce)
		if err != nil {
			return fromLog(err)
		}
		for _, row := range rows {
			if err := removeRow(ctx, s.tables, layout.People, row.Key); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}
