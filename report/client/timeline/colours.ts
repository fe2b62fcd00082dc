/** Colours of the canvas, taken from the style sheet so that light, dark and print have one source. */
export interface Colours {
  task: string;
  taskEdge: string;
  failed: string;
  retried: string;
  absent: string;
  line: string;
  faint: string;
  text: string;
  muted: string;
  paper: string;
  font: string;
}

export function readColours(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(name).trim();
  return {
    task: value('--task'),
    taskEdge: value('--task-edge'),
    failed: value('--failed'),
    retried: value('--retried'),
    absent: value('--absent'),
    line: value('--line'),
    faint: value('--faint'),
    text: value('--text'),
    muted: value('--muted'),
    paper: value('--paper'),
    font: style.fontFamily,
  };
}
