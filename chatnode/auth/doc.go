// Package auth says who a client is. In: the compact form of a JSON Web Token
// (RFC 7519) as the client sent it. Out: a [Connection] (who may connect) or a
// [Subscription] (who may listen to one channel), or one of the errors of this
// package, each of which says one thing that is wrong with the token.
//
// HS256 tokens are verified with the HMAC secret and with nothing else; RS256,
// ES256 and EdDSA tokens with the keys of a JSON Web Key Set (RFC 7517) from a
// URL or a file. Keys follow their source while the node runs; a source that
// breaks leaves the keys of before in use.
//
// Servers of applications have keys instead, from a file: [Verifier.ServerKey].
//
// Where people choose secrets themselves, [Guesses] bounds how often they can be guessed.
//
// Errors carry no part of a token and no key. Names of users, apps and
// channels are handed on as the token has them: their rules belong to chat.
package auth
