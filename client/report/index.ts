export { type CollectOptions, collectReport, type ReportData } from './data';
export { reportHtml } from './page';
