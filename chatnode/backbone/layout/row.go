package layout

import (
	"encoding/base64"
	"strings"
)

// noName stands for an empty part of a row's key: keys have no empty tokens, and base64 has no single letter.
const noName = "_"

// RowKey is the key of a table's row: every part as one Token, joined by dots. The first parts of a key, in the same way, are a prefix
// under which rows are listed.
func RowKey(parts ...string) string {
	tokens := make([]string, len(parts))
	for i, part := range parts {
		if tokens[i] = Token(part); part == "" {
			tokens[i] = noName
		}
	}
	return strings.Join(tokens, ".")
}

// ParseRowKey is the inverse of RowKey.
func ParseRowKey(key string) ([]string, bool) {
	tokens := strings.Split(key, ".")
	for i, token := range tokens {
		part, err := base64.RawURLEncoding.Strict().DecodeString(token)
		if token == noName {
			part, err = nil, nil
		}
		if err != nil || token == "" || strings.ContainsAny(token, "\r\n") { // which the decoder skips
			return nil, false
		}
		tokens[i] = string(part)
	}
	return tokens, true
}
