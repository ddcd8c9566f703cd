// Package contract holds openapi.yaml to its word: the document is valid, its
// operations and their security are those of the API, every example in it
// conforms to its schema, and what the API would refuse does not.
//
// There is nothing here but tests. That the generated code follows the document
// is held by the package architecture.
package contract
