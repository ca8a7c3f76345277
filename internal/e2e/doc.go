// Package e2e tests Sallyport from outside: it builds the binary, runs it as an
// operator would, and knows of it only what docs/ says. It imports nothing of
// Sallyport's.
//
// A test builds a world: npm oidc-provider (a certified OpenID provider written
// by others, run by Node) and an application on Node's own http module, with
// `sallyport serve` between them and six environment variables to tell it so
// (world_test.go). Then a scripted browser goes through it: net/http with a cookie
// jar that submits the forms it meets (browser_test.go). What the provider did is
// read from the events it prints, what Sallyport did from its log
// (process_test.go).
//
// demo_test.go is the demonstration, clicked through in headless Chromium, and
// spa_test.go the example of docs/integrations/spa.md in two of them. Set
// SALLYPORT_SCREENSHOTS to a folder to keep the pictures.
//
// Node, its packages and Chromium have to be there: `make test` installs them. A
// test fails where they are not.
//
// # Trust
//
// Everything listens on loopback and is stopped by its process id when the test
// ends.
package e2e
