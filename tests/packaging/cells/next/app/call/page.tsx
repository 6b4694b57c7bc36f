import { Outcome } from "./Outcome";
import { Talk } from "./Talk";

export default function Page() {
  return (
    <main>
      <Talk />
      <Outcome />
    </main>
  );
}
