import { Outcome } from "./Outcome";

export default function Page() {
  return <Outcome room="blue" />;
}
