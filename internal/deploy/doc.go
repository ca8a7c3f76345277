// Package deploy holds tests alone: that the files an operator starts from
// agree with each other and with the program.
//
// docker-compose.yml is read by Compose's own loader, and what its environment
// implies (redirect URIs, issuer, client) is compared with the Keycloak realm
// that it imports, character for character. Links, anchors and variable names
// in the documentation must exist.
//
// # Trust
//
// It reads files of this repository and nothing else.
package deploy
