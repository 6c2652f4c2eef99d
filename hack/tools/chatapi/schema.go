package main

import (
	"math"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func messageSchema(message protoreflect.MessageDescriptor) object {
	var properties object
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		properties.add(string(field.Name()), fieldSchema(field))
	}
	schema := object{{"type", "object"}, {"description", comment(message)}}
	if len(properties) > 0 {
		schema.add("properties", properties)
	}
	return schema
}

func fieldSchema(field protoreflect.FieldDescriptor) object {
	schema := valueSchema(field)
	if field.IsList() {
		schema = object{{"type", "array"}, {"items", schema}}
	}
	schema.add("description", comment(field))
	return schema
}

// valueSchema describes one value as package chatjson writes it.
func valueSchema(field protoreflect.FieldDescriptor) object {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return object{{"type", "boolean"}}
	case protoreflect.StringKind:
		return object{{"type", "string"}}
	case protoreflect.Int32Kind:
		return object{{"type", "integer"}, {"format", "int32"}}
	case protoreflect.Int64Kind:
		return object{{"type", "integer"}, {"format", "int64"}}
	case protoreflect.Uint32Kind:
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", uint32(math.MaxUint32)}}
	case protoreflect.Uint64Kind:
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", uint64(math.MaxUint64)}}
	case protoreflect.EnumKind:
		return reference("schemas", string(field.Enum().Name()))
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Value":
			return nil
		case "google.protobuf.Struct":
			return object{{"type", "object"}}
		}
		return reference("schemas", string(field.Message().Name()))
	}
	panic("no JSON for " + string(field.FullName()))
}

// enumSchema lists the names of an enum as JSON has them, and tells what each is.
func enumSchema(enum protoreflect.EnumDescriptor) object {
	var names []any
	var text strings.Builder
	text.WriteString(comment(enum))
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		name := shortName(value)
		if value.Number() == 0 {
			if said := comment(value); said != "" {
				text.WriteString("\n\nLeft out: " + said)
			}
			continue
		}
		names = append(names, name)
		if said := comment(value); said != "" {
			text.WriteString("\n\n" + name + ": " + said)
		}
	}
	return object{{"type", "string"}, {"enum", names}, {"description", strings.TrimSpace(text.String())}}
}

// shortName is "since_joined" for HISTORY_POLICY_SINCE_JOINED of HistoryPolicy.
func shortName(value protoreflect.EnumValueDescriptor) string {
	var prefix strings.Builder
	for i, r := range string(value.Parent().Name()) {
		if i > 0 && unicode.IsUpper(r) {
			prefix.WriteByte('_')
		}
		prefix.WriteRune(unicode.ToUpper(r))
	}
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), prefix.String()+"_"))
}

// What the definition does not say, because it is of the transport.
var (
	securitySchemes = object{
		{"serverKey", object{
			{"type", "http"}, {"scheme", "bearer"},
			{"description", "A key of the application's server, or an admin's token. It may do everything in its application."},
		}},
		{"token", object{
			{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
			{"description", "A user's connection token. It may do what the user may."},
		}},
	}
	userParameter = object{
		{"name", "Chatfleet-User"}, {"in", "header"}, {"schema", object{{"type", "string"}}},
		{"description", "The user for whom a server acts, escaped as in a URL. Without it the server acts in its own name, with all rights."},
	}
	errorResponse = object{
		{"description", "It is not done, or the outcome is unknown: the code says which."},
		{"content", content(reference("schemas", "Error"))},
	}
	errorSchema = object{
		{"type", "object"},
		{"description", "The answer of every request that failed."},
		{"properties", object{
			{"code", object{
				{"type", "string"},
				{"enum", []any{
					"invalid_argument", "unauthenticated", "permission_denied", "not_found", "aborted", "failed_precondition", "resource_exhausted",
					"unavailable", "deadline_exceeded", "canceled", "unimplemented", "internal", "unknown",
				}},
			}},
			{"message", object{{"type", "string"}, {"description", "What was wrong and what would be right."}}},
			{"details", object{
				{"type", "array"},
				{"items", object{{"type", "object"}, {"properties", object{
					{"type", object{{"type", "string"}, {"description", "chatfleet.chat.v1.Refusal"}}},
					{"value", object{{"type", "string"}, {"description", "The detail in Protobuf, in base64 without padding."}}},
					{"debug", reference("schemas", "Refusal")},
				}}}},
			}},
		}},
	}
)
