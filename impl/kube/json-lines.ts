/** Cuts a stream of text into lines. Pieces break anywhere; what follows the last line feed waits for more. */
export class JsonLines {
  #rest: string[] = [];

  push(text: string): readonly string[] {
    const parts = text.split("\n");
    const last = parts.pop() ?? "";
    const [first, ...others] = parts;
    if (first === undefined) {
      if (last !== "") this.#rest.push(last);
      return [];
    }
    const lines = [this.#rest.join("") + first, ...others].filter((line) => line.trim() !== "");
    this.#rest = last === "" ? [] : [last];
    return lines;
  }
}
