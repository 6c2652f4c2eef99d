package conn

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// origins are patterns in lower case, split at their asterisks.
type origins []originPattern

type originPattern struct {
	parts []string
	// scheme: the pattern names one, so it is compared with the whole origin and not with its host only.
	scheme bool
}

func newOrigins(patterns []string) origins {
	var o origins
	for _, p := range patterns {
		p = strings.ToLower(strings.TrimSuffix(p, "/"))
		o = append(o, originPattern{strings.Split(p, "*"), strings.Contains(p, "://")})
	}
	return o
}

// allow says whether the page that made the request may connect. No Origin: no page made it.
func (o origins) allow(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	whole, host := splitOrigin(origin)
	if host != "" && host == strings.ToLower(r.Host) {
		return true
	}
	for _, p := range o {
		subject := host
		if p.scheme || len(p.parts) > 1 && strings.Join(p.parts, "") == "" {
			subject = whole
		}
		if subject != "" && matchParts(p.parts, subject) {
			return true
		}
	}
	return false
}

// splitOrigin reduces an Origin header to scheme://host and host, in lower case; what is no such origin is "null" and has no host.
func splitOrigin(origin string) (whole, host string) {
	origin = strings.ToLower(origin)
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "null", ""
	}
	return u.Scheme + "://" + u.Host, u.Host
}

// matchParts says whether subject is the parts in order, with anything between them.
func matchParts(parts []string, subject string) bool {
	last := len(parts) - 1
	if last == 0 {
		return parts[0] == subject
	}
	rest, ok := strings.CutPrefix(subject, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}

// AllowOrigins lets pages of the allowed origins make the requests that next answers, preflight requests included, and answers 403 to those of
// others. Streamed responses and the requests that send for them need it; WebSockets do not. Besides Content-Type, requests may have the given
// headers.
func (s *Server) AllowOrigins(next http.Handler, headers ...string) http.Handler {
	allowed := strings.Join(append([]string{"Content-Type"}, headers...), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.origins.allow(r) {
			s.metrics.refused.WithLabelValues(refusedOrigin.label).Inc()
			answer(w, refusedOrigin.status, refusedOrigin.reason)
			return
		}
		allowOrigin(w.Header(), r)
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", allowed)
		w.Header().Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// allowOrigin tells the browser that the page may read the response. Cookies are not allowed along: nothing here goes by them.
func allowOrigin(header http.Header, r *http.Request) {
	if !slices.Contains(header["Vary"], "Origin") {
		header.Add("Vary", "Origin")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
	}
}
