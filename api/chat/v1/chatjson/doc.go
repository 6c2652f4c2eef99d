// Package chatjson is the JSON of the chat vocabulary: messages of chatv1 go in and JSON comes out, and the other way round.
//
// It differs from Protobuf's own JSON so that it reads like JSON that was written by hand: names are those of the definition, in snake
// case; 64-bit integers are numbers; enums are their short names in lower case ("owner" for ROLE_OWNER); what is zero or not there is left
// out. It reads Protobuf's own JSON too, and ignores names that it does not know.
package chatjson
