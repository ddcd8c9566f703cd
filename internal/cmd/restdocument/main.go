// Command restdocument writes the part of an OpenAPI document that describes the REST
// operations, as JSON: without webhooks, and without what only they use.
//
//	go run ./internal/cmd/restdocument openapi.yaml gen/openapi.rest.json
//
// Two generators for Go need it: oapi-codegen leaves out the schemas that only webhooks
// use, but refers to them, and the code that ogen generates for webhooks with a security
// scheme does not compile.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: restdocument INPUT OUTPUT")
	}
	doc, err := openapi3.NewLoader().LoadFromFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	text, err := restPart(doc)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[2], append(text, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}

func restPart(doc *openapi3.T) ([]byte, error) {
	doc.Webhooks = nil
	tags, schemes := map[string]bool{}, map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, tag := range op.Tags {
				tags[tag] = true
			}
			requirements := doc.Security
			if op.Security != nil {
				requirements = *op.Security
			}
			for _, requirement := range requirements {
				for scheme := range requirement {
					schemes[scheme] = true
				}
			}
		}
	}
	doc.Tags = slices.DeleteFunc(doc.Tags, func(tag *openapi3.Tag) bool { return !tags[tag.Name] })
	maps.DeleteFunc(doc.Components.SecuritySchemes, func(name string, _ *openapi3.SecuritySchemeRef) bool { return !schemes[name] })

	for { // removing a schema may leave others unused
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return nil, err
		}
		before := len(doc.Components.Schemas)
		maps.DeleteFunc(doc.Components.Schemas, func(name string, _ *openapi3.SchemaRef) bool {
			return !bytes.Contains(text, []byte(strconv.Quote("#/components/schemas/"+name)))
		})
		if len(doc.Components.Schemas) == before {
			return text, nil
		}
	}
}
