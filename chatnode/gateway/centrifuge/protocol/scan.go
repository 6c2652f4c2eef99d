package protocol

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may be nested, counted from the outermost one of a message or of its data.
const MaxDepth = 64

var (
	errTooDeep    = errors.New("nested too deep")
	errUnfinished = errors.New("ends in the middle of a message")
)

// ValidJSON tells whether data can go to clients as JSON: one valid value in UTF-8, nested at most MaxDepth deep.
// Data of a Protobuf client can be anything and needs this check before it is published.
func ValidJSON(data []byte) bool {
	_, err := closing(data)
	return !errors.Is(err, errTooDeep) && json.Valid(data) && utf8.Valid(data)
}

// closing returns the index behind the bracket that closes the first object or array of data. It looks at brackets
// and strings only, so what it finds is JSON only if a parser says so too.
func closing(data []byte) (int, error) {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > MaxDepth {
				return 0, errTooDeep
			}
		case b == '}' || b == ']':
			if depth--; depth <= 0 {
				return i + 1, nil
			}
		}
	}
	return 0, errUnfinished
}
