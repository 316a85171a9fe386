// The playground's editor: CodeMirror, with one document for each file. It lies in
// a shadow tree, where its style sheets are objects and need no leave of the page's
// policy.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, drawSelection, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'var(--bg)' },
  '&.cm-focused': { outline: '2px solid var(--client)', outlineOffset: '-2px' },
  '.cm-scroller': { font: '12px/20px var(--mono)', overflow: 'auto', scrollbarWidth: 'thin', scrollbarColor: 'var(--edge) transparent' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--ink3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '40px', padding: '0 12px 0 0' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--ink) 4%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--client) 22%, transparent)',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--bg3)', outline: '1px solid var(--edge)' },
  '.cm-line': { position: 'relative', padding: '0 12px 0 0' },
  '.cm-count': { position: 'absolute', right: '16px', padding: '0 4px', backgroundColor: 'var(--bg)', color: 'var(--side)', fontSize: '11px' },
  '.cm-ran .cm-count': { backgroundColor: 'transparent' },
  '.cm-ran, .cm-ran.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--side) 12%, transparent)' },
  '.cm-broken, .cm-broken.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--err) 14%, transparent)' },
  '@media (max-width: 760px)': { '.cm-scroller': { fontSize: '16px', lineHeight: '24px' } }, // or a phone zooms in on it
});

// Colour is side; of the rest, only what is no program is set back.
const letters = HighlightStyle.define([{ tag: tags.comment, color: 'var(--ink3)' }]);

// ran is how often lines did something, and the one that did what is selected.
class Count extends WidgetType {
  constructor(times) {
    super();
    this.times = times;
  }

  eq(other) { return other.times === this.times; }

  toDOM() {
    const e = document.createElement('span');
    e.className = 'cm-count';
    e.textContent = `${this.times}×`;
    return e;
  }
}

const setRan = StateEffect.define();
const ran = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setRan)) continue;
      const { doc } = transaction.state;
      const { counts, line } = effect.value;
      const all = [];
      for (const [n, times] of counts) {
        if (times > 1 && n <= doc.lines) all.push(Decoration.widget({ widget: new Count(times), side: 1 }).range(doc.line(n).to));
      }
      if (line > 0 && line <= doc.lines) all.push(Decoration.line({ class: 'cm-ran' }).range(doc.line(line).from));
      next = Decoration.set(all, true);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

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
  /** files have a name, a side and a text; changed is called when the visitor has
      changed the one that is shown. */
  constructor(parent, { files, changed }) {
    this.changed = changed;
    this.shown = {}; // of each file, the line that was brought into view
    this.quiet = false; // what changes now is not the visitor's doing
    this.states = new Map(files.map((one) => [one.name, this.state(one)]));
    this.name = files[0].name;
    const root = parent.attachShadow({ mode: 'open' });
    this.view = new EditorView({ state: this.states.get(this.name), parent: root, root });
    this.view.dom.style.height = '100%';
  }

  state({ name, side, text }) {
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), highlightSpecialChars(), bracketMatching(), indentOnInput(),
        javascript(), syntaxHighlighting(letters), ran, broken, look,
        // Tab is not among them: it leads on, as everywhere in the page.
        keymap.of([...defaultKeymap, ...historyKeymap]),
        EditorState.tabSize.of(2),
        EditorView.editorAttributes.of({ style: `--side: var(--${side})` }),
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

  // reveal is what brings a line into view, if it can be.
  reveal(name, line) {
    const { doc } = this.of(name);
    if (line < 1 || line > doc.lines || name !== this.name) return [];
    return [EditorView.scrollIntoView(doc.line(line).from, { y: 'nearest', yMargin: 40 })];
  }

  /** broken marks the line of a file that an error names, and with 0 none. */
  broken(name, line) {
    this.apply(name, { effects: [setBroken.of(line), ...this.reveal(name, line)] });
  }

  /** ran tells of a file how often its lines did something, and marks one. */
  ran(name, counts, line) {
    const shown = this.shown[name] === line;
    this.shown[name] = line;
    this.apply(name, { effects: [setRan.of({ counts: new Map(counts), line }), ...(shown ? [] : this.reveal(name, line))] });
  }

  focus() { this.view.focus(); }
}
