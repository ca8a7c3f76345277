// Package migrate translates the environment of another proxy into Sallyport's.
//
// A table names every setting of the other product that is known, with what
// becomes of it: a variable of ours, a remark on what is different, or the word
// that nothing has to be done. What is set and in no table is named, too: nothing
// is dropped in silence.
//
// # Trust
//
// The environment comes from the operator. Its secrets are not part of the result:
// they are moved by hand, or by the file that holds them.
package migrate
