import { render } from 'preact';
import { App } from './view/App.jsx';

render(<App />, document.body);
