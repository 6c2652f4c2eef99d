// Package mysql is the server's half of the MySQL client/server protocol, as far as clients need it to send statements and to get
// answers: protocol 10, native passwords, text and prepared statements, TLS. It knows neither SQL nor what the answers are made of.
//
// In come bytes of a client; a Handler gets statements, and its results go back. Everything a client can say is bounded, and what it must
// not take long for has a deadline.
package mysql
