package auth

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	maxDevelopmentUser    = 128 // bytes
	developmentTTL        = 24 * time.Hour
	maxDevelopmentTTL     = 30 * 24 * time.Hour
	developmentSecretFile = "dev-token-secret"
)

// DevelopmentOptions says how development tokens are signed.
type DevelopmentOptions struct {
	// Secret signs the tokens, at least 32 bytes; nil: one made at random and
	// kept in DataDir, so that tokens outlive a restart.
	Secret  []byte
	DataDir string
	// Issuer and Audience go into the tokens: those of the verifier.
	Issuer, Audience string
	Clock            func() time.Time // nil: time.Now
}

// Development signs tokens for anybody who asks. It exists behind --dev only.
type Development struct {
	options DevelopmentOptions
	signer  jose.Signer
}

// NewDevelopment makes or reads the secret.
func NewDevelopment(options DevelopmentOptions) (*Development, error) {
	if options.Clock == nil {
		options.Clock = time.Now
	}
	if options.Secret == nil {
		made, err := developmentSecret(options.DataDir)
		if err != nil {
			return nil, fmt.Errorf("secret of development tokens: %w", err)
		}
		options.Secret = made
	}
	if len(options.Secret) < minSecretBytes {
		return nil, fmt.Errorf("secret of development tokens has %d bytes, needs at least %d", len(options.Secret), minSecretBytes)
	}
	key := jose.SigningKey{Algorithm: jose.HS256, Key: options.Secret}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make signer of development tokens: %w", err)
	}
	return &Development{options: options, signer: signer}, nil
}

// Secret is what the verifier needs as its HMACSecret.
func (d *Development) Secret() []byte { return d.options.Secret }

// Token signs a connection token of the user, good for at least ttl. Tokens
// count whole seconds: it ends at the next of them.
func (d *Development) Token(user string, ttl time.Duration) (string, error) {
	return d.sign(user, ttl, false)
}

// AdminToken signs a token like Token's that may do everything in the app.
func (d *Development) AdminToken(user string, ttl time.Duration) (string, error) {
	return d.sign(user, ttl, true)
}

func (d *Development) sign(user string, ttl time.Duration, admin bool) (string, error) {
	if err := checkDevelopmentUser(user); err != nil {
		return "", err
	}
	if ttl < time.Second || ttl > maxDevelopmentTTL {
		return "", fmt.Errorf("ttl must be 1 to %d seconds", int(maxDevelopmentTTL.Seconds()))
	}
	now := d.options.Clock()
	c := struct {
		jwt.Claims
		Admin bool `json:"admin,omitempty"`
	}{jwt.Claims{
		Subject:  user,
		Issuer:   d.options.Issuer,
		IssuedAt: jwt.NewNumericDate(now),
		Expiry:   jwt.NewNumericDate(now.Add(ttl + time.Second - 1)),
	}, admin}
	if d.options.Audience != "" {
		c.Audience = jwt.Audience{d.options.Audience}
	}
	token, err := jwt.Signed(d.signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign development token: %w", err)
	}
	return token, nil
}

func checkDevelopmentUser(user string) error {
	if user == "" || len(user) > maxDevelopmentUser {
		return fmt.Errorf("user must be 1 to %d bytes", maxDevelopmentUser)
	}
	if !utf8.ValidString(user) || strings.ContainsFunc(user, unicode.IsControl) {
		return errors.New("user must be UTF-8 without control characters")
	}
	return nil
}

// ServeHTTP answers GET /dev/token?user=NAME[&ttl=SECONDS][&admin=true] with
// {"token":"..."} (ttl 24 hours by default), or {"error":"..."} and a 4xx
// status. Other origins cannot read it: no CORS header is sent.
func (d *Development) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		writeJSON(w, http.StatusMethodNotAllowed, "error", "only GET is answered")
		return
	}
	ttl := developmentTTL
	if text := r.URL.Query().Get("ttl"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			writeJSON(w, http.StatusBadRequest, "error", "ttl must be a whole number of seconds")
			return
		}
		ttl = time.Duration(seconds) * time.Second
	}
	admin := r.URL.Query().Get("admin")
	if admin != "" && admin != "true" && admin != "false" {
		writeJSON(w, http.StatusBadRequest, "error", "admin must be true or false")
		return
	}
	token, err := d.sign(r.URL.Query().Get("user"), ttl, admin == "true")
	if err != nil {
		writeJSON(w, http.StatusBadRequest, "error", err.Error())
		return
	}
	writeJSON(w, http.StatusOK, "token", token)
}

func writeJSON(w http.ResponseWriter, status int, name, value string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// An error here is a client that has gone.
	_ = json.NewEncoder(w).Encode(map[string]string{name: value})
}

// developmentSecret reads the secret of a data directory, or makes it. It is
// written beside and renamed: a crash leaves no half of it.
func developmentSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, developmentSecretFile)
	content, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	random := make([]byte, minSecretBytes)
	rand.Read(random) // never fails
	content = []byte(hex.EncodeToString(random))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return nil, err
	}
	return content, os.Rename(path+".new", path)
}
