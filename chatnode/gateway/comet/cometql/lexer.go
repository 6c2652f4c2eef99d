package cometql

import "strings"

type tokenKind uint8

const (
	end tokenKind = iota
	// word is a bare word or a number.
	word
	// quoted is a text in quotes of any kind.
	quoted
	// symbol is one of the characters in symbols.
	symbol
)

// symbols are the characters that mean something, and the exclamation mark, which means nothing here, but turns around what follows.
const symbols = "(),*=<>?!"

type token struct {
	kind tokenKind
	text string
}

// is says whether the token is that symbol.
func (t token) is(s string) bool { return t.kind == symbol && t.text == s }

// keyword says whether the token is that word, in letters of any case.
func (t token) keyword(w string) bool { return t.kind == word && strings.EqualFold(t.text, w) }

// lex takes a statement apart. Characters that mean nothing are skipped, as are comments, and quotes that nothing closes.
func lex(sql string) []token {
	var tokens []token
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case wordByte(c) || c == '-' && i+1 < len(sql) && (digit(sql[i+1]) || sql[i+1] == '.'):
			from := i
			for i++; i < len(sql) && (wordByte(sql[i]) || signsExponent(sql[from:i], sql[i])); i++ {
			}
			tokens = append(tokens, token{word, sql[from:i]})
		case c == '\'' || c == '"' || c == '`':
			text, length := unquote(sql[i:])
			if length == 0 {
				i++
				continue
			}
			tokens = append(tokens, token{quoted, text})
			i += length
		case strings.HasPrefix(sql[i:], "/*"):
			i = behind(sql, i+2, "*/")
		case c == '#', strings.HasPrefix(sql[i:], "-- "):
			i = behind(sql, i+1, "\n")
		case strings.IndexByte(symbols, c) >= 0:
			tokens = append(tokens, token{symbol, sql[i : i+1]})
			i++
		default:
			i++
		}
	}
	return tokens
}

// behind is the place behind the next end from a place on, or that behind everything.
func behind(sql string, from int, end string) int {
	if at := strings.Index(sql[from:], end); at >= 0 {
		return from + at + len(end)
	}
	return len(sql)
}

// signsExponent says whether the character behind the beginning of a number is the sign of its exponent.
func signsExponent(begun string, c byte) bool {
	digits, exponent := strings.CutSuffix(strings.ToLower(begun), "e")
	return (c == '-' || c == '+') && exponent && digits != "" && strings.Trim(digits, "-.0123456789") == ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return digit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == '@' || c == '$' || c >= 0x80
}

// escaped are the characters that mean something else behind a backslash.
var escaped = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', '0': 0, 'Z': 0x1a}

// unquote reads the text in quotes at the start of s, and says how long it is there with its quotes; 0 if it has no end.
func unquote(s string) (text string, length int) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			if meant, ok := escaped[s[i]]; ok {
				b.WriteByte(meant)
			} else {
				b.WriteByte(s[i])
			}
		case c == quote && i+1 < len(s) && s[i+1] == quote:
			i++
			b.WriteByte(quote)
		case c == quote:
			return b.String(), i + 1
		default:
			b.WriteByte(c)
		}
	}
	return "", 0
}
