// Package cometql reads CometQL, the statements by which backends drive CppComet: a small part of what SQL is, with some liberties.
//
// In goes the text of a statement, out comes what it asks for. Which tables there are, and what is in them, others know.
package cometql
