/** How a person moves the timeline: buttons, pointer, wheel and keys, each a small function that tells what to do. */

/** What the controls may ask for. */
export interface Commands {
  zoom(factor: number, pointer?: MouseEvent): void;
  whole(): void;
  /** By a share of what is shown. */
  move(share: number): void;
  /** By pixels. */
  pan(pixels: number): void;
  toggleRows(): void;
}

/** Buttons above the drawing. `rows` is the label of the button that changes the rows, absent where there is no choice. */
export function toolbar(commands: Commands, rows: (() => string) | undefined): HTMLElement {
  const bar = document.createElement('div');
  bar.className = 'toolbar';
  bar.append(
    button('−', 'Zoom out', () => commands.zoom(2)),
    button('+', 'Zoom in', () => commands.zoom(0.5)),
    button('Whole run', 'Show the whole run', () => commands.whole()),
  );
  if (rows !== undefined) {
    const toggle = button(rows(), 'Draw a row for each slot, or one for each node', () => {
      commands.toggleRows();
      toggle.textContent = rows();
    });
    toggle.removeAttribute('aria-label');
    bar.append(toggle);
  }
  return bar;
}

function button(label: string, title: string, action: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = label;
  element.title = title;
  if (label !== title) element.setAttribute('aria-label', title);
  element.addEventListener('click', action);
  return element;
}

/** Dragging, double click, wheel and keys on the drawing itself. */
export function steer(canvas: HTMLCanvasElement, commands: Commands): void {
  drag(canvas, (event, before) => commands.pan(before.clientX - event.clientX));
  canvas.addEventListener('dblclick', (event) => commands.zoom(0.25, event));
  canvas.addEventListener(
    'wheel',
    (event) => {
      // A plain wheel scrolls the page, as everywhere.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      commands.zoom(event.deltaY > 0 ? 1.25 : 0.8, event);
    },
    { passive: false },
  );
  const keys = new Map<string, () => void>([
    ['+', () => commands.zoom(0.5)],
    ['=', () => commands.zoom(0.5)],
    ['-', () => commands.zoom(2)],
    ['0', () => commands.whole()],
    ['ArrowLeft', () => commands.move(-0.2)],
    ['ArrowRight', () => commands.move(0.2)],
  ]);
  canvas.addEventListener('keydown', (event) => {
    const action = keys.get(event.key);
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}

/** Calls `move` for every step of the pointer while it is held down. */
export function drag(element: HTMLElement, move: (event: PointerEvent, before: PointerEvent) => void): void {
  let before: PointerEvent | undefined;
  element.addEventListener('pointerdown', (event) => {
    before = event;
    element.setPointerCapture(event.pointerId);
    move(event, event);
  });
  element.addEventListener('pointermove', (event) => {
    if (before === undefined) return;
    move(event, before);
    before = event;
  });
  const end = () => {
    before = undefined;
  };
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
}
