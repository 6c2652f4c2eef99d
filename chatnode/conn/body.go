package conn

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// ReadBody reads a request's body of at most limit bytes within the frame timeout. It answers what goes wrong itself: 413 if the body is too
// large, 408 if it takes too long, else 400.
func (s *Server) ReadBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.options.FrameTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	if err == nil {
		_ = control.SetReadDeadline(time.Time{})
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		answer(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("body over %d bytes", limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		answer(w, http.StatusRequestTimeout, "body took too long")
	default:
		answer(w, http.StatusBadRequest, "body could not be read")
	}
	return nil, fmt.Errorf("read body: %w", err)
}
