package bench

// heimdallr is a room in the path and texts, which come back to their sender; nothing else is said.
type heimdallr struct{}

func (heimdallr) path() string { return "/7" }

func (heimdallr) greet(string) []byte { return nil }

func (heimdallr) greeted([]byte) (bool, error) { return true, nil }

// join is never called: the path joins.
func (heimdallr) join(int, string) []byte { return nil }

func (heimdallr) send(_ int, _, text string) []byte { return []byte(text) }

func (heimdallr) pong([]byte) []byte { return nil }

func (heimdallr) answers([]byte, func(id int)) error { return nil }
