/** The same question from a cloud's own system. */
import { useState } from "preact/hooks";
import { LANGUAGES, type Language, type Question, snippet } from "../../chain/snippets";
import { Snippet, Tabs } from "../../ui/parts";

export function Snippets({ question }: { question: Question }) {
  const [language, setLanguage] = useState<Language>("curl");
  const text = snippet(language, question);
  return (
    <section class="card snippets" aria-labelledby="snippets">
      <div class="row apart">
        <h2 id="snippets">Ask it from your sign-up page</h2>
        <Tabs label="Language" choices={LANGUAGES} chosen={language} onChoose={setLanguage} />
      </div>
      <div role="tabpanel" aria-label={`In ${LANGUAGES.find(([choice]) => choice === language)?.[1]}`}>
        <Snippet text={text} what="the program" testId="snippet" />
      </div>
    </section>
  );
}
