package chatjson

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func readScalar(path string, data []byte, field protoreflect.FieldDescriptor) (value protoreflect.Value, err error) {
	want, ok := "", false
	switch field.Kind() {
	case protoreflect.BoolKind:
		want = "true or false"
		value, ok = protoreflect.ValueOfBool(string(data) == "true"), string(data) == "true" || string(data) == "false"
	case protoreflect.StringKind:
		want = "a string"
		var s string
		ok = data[0] == '"' && json.Unmarshal(data, &s) == nil
		value = protoreflect.ValueOfString(s)
	case protoreflect.EnumKind:
		want = "one of " + strings.Join(names(field.Enum()), ", ")
		var n protoreflect.EnumNumber
		n, ok = readEnum(data, field.Enum())
		value = protoreflect.ValueOfEnum(n)
	default:
		want = "a whole number within its range"
		value, ok = readNumber(data, field.Kind())
	}
	if !ok {
		return value, &Error{path, want}
	}
	return value, nil
}

// names are the values of an enum that may be chosen: all but that which is not said.
func names(d protoreflect.EnumDescriptor) (list []string) {
	for i := range d.Values().Len() {
		if value := d.Values().Get(i); value.Number() != 0 {
			list = append(list, strconv.Quote(ShortName(value)))
		}
	}
	return list
}

// readEnum takes the short name, the full name and the number, which may be one that the definition does not name.
func readEnum(data []byte, d protoreflect.EnumDescriptor) (protoreflect.EnumNumber, bool) {
	var name string
	if data[0] != '"' {
		n, ok := readNumber(data, protoreflect.Int32Kind)
		if !ok {
			return 0, false
		}
		return protoreflect.EnumNumber(n.Int()), true
	}
	if json.Unmarshal(data, &name) != nil {
		return 0, false
	}
	value := d.Values().ByName(protoreflect.Name(name))
	if value == nil && name == strings.ToLower(name) {
		value = d.Values().ByName(protoreflect.Name(enumPrefix(d) + strings.ToUpper(name)))
	}
	if value == nil {
		return 0, false
	}
	return value.Number(), true
}

// readNumber takes whole numbers, also as a string, and also as 5.0 or 5e3.
func readNumber(data []byte, kind protoreflect.Kind) (value protoreflect.Value, ok bool) {
	text := string(data)
	if text[0] == '"' {
		if json.Unmarshal(data, &text) != nil || text == "" || !strings.ContainsRune("-0123456789", rune(text[0])) || !json.Valid([]byte(text)) ||
			strings.TrimSpace(text) != text {
			return value, false
		}
	}
	if text, ok = digits(text); !ok {
		return value, false
	}
	switch kind {
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		return protoreflect.ValueOfInt32(int32(n)), err == nil
	case protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		return protoreflect.ValueOfInt64(n), err == nil
	case protoreflect.Uint32Kind:
		n, err := strconv.ParseUint(text, 10, 32)
		return protoreflect.ValueOfUint32(uint32(n)), err == nil
	case protoreflect.Uint64Kind:
		n, err := strconv.ParseUint(text, 10, 64)
		return protoreflect.ValueOfUint64(n), err == nil
	}
	return value, false
}

// maxDigits is more than any whole number has that a field can hold.
const maxDigits = 20

// digits writes a JSON number that is whole without point and exponent.
func digits(number string) (string, bool) {
	mantissa, exponent, scaled := strings.Cut(strings.ToLower(number), "e")
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := strings.TrimLeft(whole+fraction, "0")
	if all == "" {
		return "0", true
	}
	shift := -len(fraction)
	if scaled {
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return "", false
		}
		shift += n
	}
	significant := strings.TrimRight(all, "0")
	zeros := len(all) - len(significant) + shift
	if zeros < 0 || zeros > maxDigits || len(significant)+zeros > maxDigits {
		return "", false
	}
	return fmt.Sprintf("%s%s%s", sign, significant, strings.Repeat("0", zeros)), true
}
