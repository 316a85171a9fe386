// The playground's editor: CodeMirror, with one document for each file. It lies in
// a shadow tree, where its style sheets are objects and need no leave of the page's
// policy.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'var(--bg)' },
  '&.cm-focused': { outline: '2px solid var(--client)', outlineOffset: '-2px' },
  '.cm-scroller': { font: '12px/20px var(--mono)', overflow: 'auto', scrollbarWidth: 'thin', scrollbarColor: 'var(--edge) transparent' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 12px 0 0' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--ink3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '40px', padding: '0 12px 0 0' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--ink) 4%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--client) 22%, transparent)',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--bg3)', outline: '1px solid var(--edge)' },
  '.cm-broken, .cm-broken.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--err) 14%, transparent)' },
  '@media (max-width: 760px)': { '.cm-scroller': { fontSize: '16px', lineHeight: '24px' } }, // or a phone zooms in on it
});

// Colour is side; of the rest, only what is no program is set back.
const letters = HighlightStyle.define([{ tag: tags.comment, color: 'var(--ink3)' }]);

// broken is the line that an error names.
const setBroken = StateEffect.define();
const broken = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = transaction.docChanged ? Decoration.none : marks;
    for (const effect of transaction.effects) {
      if (!effect.is(setBroken)) continue;
      const { doc } = transaction.state;
      const is = effect.value > 0 && effect.value <= doc.lines;
      next = is ? Decoration.set([Decoration.line({ class: 'cm-broken' }).range(doc.line(effect.value).from)]) : Decoration.none;
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Editor shows one of its files at a time. */
export class Editor {
  /** files have a name and a text; changed is called when the visitor has
      changed the one that is shown. */
  constructor(parent, { files, changed }) {
    this.changed = changed;
    this.quiet = false; // what changes now is not the visitor's doing
    this.states = new Map(files.map(({ name, text }) => [name, this.state(name, text)]));
    this.name = files[0].name;
    const root = parent.attachShadow({ mode: 'open' });
    this.view = new EditorView({ state: this.states.get(this.name), parent: root, root });
    this.view.dom.style.height = '100%';
  }

  state(name, text) {
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), highlightSpecialChars(), bracketMatching(), indentOnInput(),
        javascript(), syntaxHighlighting(letters), broken, look,
        // Tab is not among them: it leads on, as everywhere in the page.
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorState.tabSize.of(2),
        EditorView.contentAttributes.of({ 'aria-label': name, tabindex: '0', spellcheck: 'false', autocapitalize: 'off' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !this.quiet) this.changed();
        }),
      ],
    });
  }

  show(name) {
    if (name === this.name) return;
    this.states.set(this.name, this.view.state);
    this.name = name;
    this.view.setState(this.states.get(name));
  }

  of(name) { return name === this.name ? this.view.state : this.states.get(name); }

  text(name) { return this.of(name).doc.toString(); }

  // apply changes a file, shown or not.
  apply(name, spec) {
    this.quiet = true;
    if (name === this.name) this.view.dispatch(spec);
    else this.states.set(name, this.states.get(name).update(spec).state);
    this.quiet = false;
  }

  /** set makes text the content of a file. */
  set(name, text) {
    this.apply(name, { changes: { from: 0, to: this.of(name).doc.length, insert: text } });
  }

  /** mark marks a line of a file, and with 0 none. */
  mark(name, line) {
    const { doc } = this.of(name);
    const at = line > 0 && line <= doc.lines ? doc.line(line).from : null;
    const effects = [setBroken.of(line)];
    if (at !== null && name === this.name) effects.push(EditorView.scrollIntoView(at, { y: 'center' }));
    this.apply(name, { effects });
  }

  focus() { this.view.focus(); }
}
