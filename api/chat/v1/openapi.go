package chatv1

import _ "embed" // for the description

// OpenAPI describes ChatService as an OpenAPI 3.1 document in JSON.
//
//go:embed openapi.json
var OpenAPI []byte
