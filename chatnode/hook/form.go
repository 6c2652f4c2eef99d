package hook

import (
	"context"
	"encoding/json"
)

// Event is a stored event that a receiver is to be told of, and as JSON the body that it gets unless there is another form.
type Event struct {
	App    string          `json:"app"`
	Room   string          `json:"room"`
	Offset uint64          `json:"offset"`
	Epoch  string          `json:"epoch,omitempty"`
	Event  json.RawMessage `json:"event"`
}

// Body is one request. Key tells it from the others of the same event.
type Body struct {
	Key  string
	JSON []byte
}

// Form gives the requests that tell of an event, in their order; none: the receiver is not told. As long as it gives an error, the event
// waits as one that the receiver fails to take. It may be called several times for an event, and gives the same keys then, but for what has
// changed meanwhile.
type Form func(ctx context.Context, e Event) ([]Body, error)

// ownForm is one request, with the event as it is.
func ownForm(_ context.Context, e Event) ([]Body, error) {
	raw, err := json.Marshal(e)
	return []Body{{JSON: raw}}, err
}
