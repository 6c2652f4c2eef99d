package bench

import "io"

// frameBuffer takes one frame at a time.
type frameBuffer struct{ bytes []byte }

// readAll reads to the end. The result is valid until the next call.
func (b *frameBuffer) readAll(r io.Reader) ([]byte, error) {
	size := 0
	for {
		if size == len(b.bytes) {
			b.bytes = append(b.bytes, make([]byte, max(512, size))...)
		}
		n, err := r.Read(b.bytes[size:])
		size += n
		if err == io.EOF {
			return b.bytes[:size], nil
		}
		if err != nil {
			return nil, err
		}
	}
}
