/** The question of the verify page as a program that a cloud can copy. Pure. */

export type Language = "curl" | "python" | "javascript" | "go";

export const LANGUAGES: readonly (readonly [Language, string])[] = [
  ["curl", "curl"],
  ["python", "Python"],
  ["javascript", "JavaScript"],
  ["go", "Go"],
];

/** What is asked, and whom. */
export interface Question {
  readonly node: string;
  readonly code: string;
  readonly cloud: string;
}

/** A program that asks whether the code is good, and says so. */
export function snippet(language: Language, question: Question): string {
  return SNIPPETS[language](question);
}

/** A string as all four languages write it. */
const quoted = (text: string) => JSON.stringify(text);

/** For a word of the shell. */
const shellQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const SNIPPETS: Record<Language, (question: Question) => string> = {
  curl: ({ node, code, cloud }) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ledger_verifyCode", params: [code, { cloud }] });
    return `curl -s ${shellQuoted(node)} -H 'content-type: application/json' \\
  -d ${shellQuoted(body)}
`;
  },
  python: ({ node, code, cloud }) => `import json
import urllib.request

question = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "ledger_verifyCode",
    "params": [${quoted(code)}, {"cloud": ${quoted(cloud)}}],
}
request = urllib.request.Request(
    ${quoted(node)},
    json.dumps(question).encode(),
    {"content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)
if "error" in answer:
    raise SystemExit(answer["error"]["message"])
verification = answer["result"]
print(verification["verdict"], verification["redeemable"], verification["reason"])
`,
  javascript: ({ node, code, cloud }) => `const response = await fetch(${quoted(node)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "ledger_verifyCode",
    params: [${quoted(code)}, { cloud: ${quoted(cloud)} }],
  }),
});
const { result, error } = await response.json();
if (error) throw new Error(error.message);
console.log(result.verdict, result.redeemable, result.reason);
`,
  go: ({ node, code, cloud }) => `package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	question, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0",
		"id":      1,
		"method":  "ledger_verifyCode",
		"params":  []any{${quoted(code)}, map[string]string{"cloud": ${quoted(cloud)}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	response, err := http.Post(${quoted(node)}, "application/json", bytes.NewReader(question))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Result struct {
			Verdict    string
			Redeemable bool
			Reason     string
		}
		Error *struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	if answer.Error != nil {
		log.Fatal(answer.Error.Message)
	}
	fmt.Println(answer.Result.Verdict, answer.Result.Redeemable, answer.Result.Reason)
}
`,
};
